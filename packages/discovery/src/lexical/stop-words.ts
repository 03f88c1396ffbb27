/**
 * English words that say nothing about what an agent does: articles, pronouns, prepositions,
 * auxiliaries and the politeness of a request. Part of the analyzer's version.
 */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above after again against all also am an and any are as at be because been before
  being below between both but by can cannot could d did do does doing don down during each few
  for from further had has have having he her here hers herself him himself his how i if in into
  is it its itself just let like ll m may me might more most must my myself need no nor not now
  of off on once only or other our ours ourselves out over own please re s same shall she should
  so some such t than that the their theirs them themselves then there these they this those
  through to too under until up upon us ve very want was we were what when where which while who
  whom why will with would you your yours yourself yourselves`.split(/\s+/),
);
