// One turn of the event loop on QuickJS. The engine cannot be asked whether promise jobs are left; but the runtime hands
// control to the host, and takes events from it, only when there are none.

/**
 * Settles after every job that is queued now, and every job those queue. A component-model future that this instance
 * reads and writes itself: its event arrives through the host. The build adds the future's type to the world.
 */
export async function turn() {
  const { readable, writable } = wit.Future(wit.Future.U8);
  const read = readable.read();
  writable.write(0);
  await read;
  readable.drop();
  writable.drop();
}
