/** This edge's version, as its answers name it. */
export const EDGE_VERSION = '0.1.0';
