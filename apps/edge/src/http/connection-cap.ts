/**
 * How much one process serves at a time, where the runtime's server has no limit of its own: requests
 * that are not answered yet, and links.
 */
export interface ConnectionCap {
  /** Takes a place, null when there is none: answer 503. The result gives it back, once. */
  enter(): (() => void) | null;
  /** The answer of `serve`, or `busy` when there is no place for it. */
  serve(serve: () => Response | Promise<Response>, busy: () => Response): Promise<Response>;
}

export function createConnectionCap(max: number): ConnectionCap {
  let taken = 0;
  const enter = () => {
    if (taken >= max) return null;
    taken++;
    let isInside = true;
    return () => {
      if (isInside) taken--;
      isInside = false;
    };
  };
  return {
    enter,
    async serve(serve, busy) {
      const leave = enter();
      if (leave === null) return busy();
      try {
        return await serve();
      } finally {
        leave();
      }
    },
  };
}
