/** The limits of routing between nodes, and why each stands. */
export const ROUTING_LIMITS = {
  /** Hops an envelope may take: the diameter of a mesh worth relaying through, and a bound on what one envelope may cost others. */
  hopsMax: 8,
  /** A distance from which a destination counts as out of reach: bounds counting upwards after a cut. */
  distanceInfinite: 32,
  /** Destinations a node keeps estimates for: 8 bytes each a neighbour. */
  destinationsMax: 4096,
  /** Neighbours that routing looks at: more connections than that are not asked. */
  neighboursMax: 64,
  /** Rounds a destination may stay silent before it counts as gone. */
  silentRoundsMax: 5,
  /** Rounds after which a silent destination's place in a nearly full table is given to others. */
  forgottenRounds: 400,
  /** Share of the table that is full when silent destinations are forgotten. */
  nearlyFull: 0.75,
  /** Rounds that a neighbour's news of a destination may lag behind the newest. */
  lagRoundsMax: 3,
  /** Rounds of one chain of proofs: a signature for its hearers every eight minutes, a hash for each round that they missed. */
  chainRounds: 256,
} as const;
