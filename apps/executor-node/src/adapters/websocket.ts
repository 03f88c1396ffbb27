import type { Dial } from '../ports.ts';

/** Dials with the WebSocket that Node has built in (undici). */
export const dialWebSocket: Dial = (url, events) => {
  const socket = new WebSocket(url);
  let failure = '';
  let isClosed = false;
  const closed = (reason: string): void => {
    if (isClosed) return;
    isClosed = true;
    events.closed(reason);
  };
  socket.addEventListener('open', () => events.open());
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (isClosed) return;
    // Frames are text; binary ones are no part of the protocol and read as an empty frame.
    events.message(typeof event.data === 'string' ? event.data : '');
  });
  socket.addEventListener('error', (event) => {
    failure = 'message' in event && typeof event.message === 'string' ? event.message : '';
  });
  socket.addEventListener('close', (event) => {
    closed(event.reason || failure || `code ${event.code}`);
  });
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close() {
      socket.close();
      // The closing handshake may take as long as the peer likes: nothing waits for it.
      closed('closed here');
    },
  };
};
