/** Asks the edge for peers of the mesh. Bounds, deadlines and headers are the gateway's to set. */
export function fetchEdge(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, init);
}
