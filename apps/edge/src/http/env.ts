import type { ProblemCode } from './problem.ts';

/** What a request carries from the entry and through the middleware. */
export type EdgeEnv = {
  Bindings: {
    /** The peer of the TCP connection, or what the platform vouches for; '' when unknown. */
    address?: string;
    /** Keeps work alive after the answer, where the platform needs to be told. */
    background?: (work: Promise<void>) => void;
  };
  Variables: {
    requestId: string;
    traceparent: string | undefined;
    /** The client's address after TRUSTED_PROXIES; '' when unknown. */
    clientAddress: string;
    /** Set by `fail`, for log and metrics. */
    problem: ProblemCode | undefined;
    /** The route's template, for log and metrics. */
    route: string | undefined;
  };
};
