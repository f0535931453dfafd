// A `wasi:http` 0.2 server as it is written for componentize-js: a listener of fetch events, no SDK.

// Requests that this instance has met.
let count = 0;

addEventListener("fetch", (event) => event.respondWith(respond(event.request)));

async function respond(request) {
  count += 1;
  const { pathname, search } = new URL(request.url);
  const [, name, argument] = pathname.split("/");
  switch (name) {
    case "hello":
      return new Response("hello from componentize-js");
    case "count":
      return new Response(String(count));
    case "headers":
      return new Response(`${request.method} ${pathname}${search} ${request.headers.get("x-colour")}`);
    case "echo":
      return new Response(request.body);
    case "trap":
      // The engine catches whatever a program does wrong, and answers with status 500 itself.
      throw new Error("a trap was asked for");
    case "status":
      return new Response(null, { status: Number(argument) });
    default:
      return new Response(null, { status: 404 });
  }
}
