/** One turn of the event loop: what sockets and the disk have ready is handled. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
