export function handle(event) {
  return `Hello, ${event.text() || "world"}!`;
}
