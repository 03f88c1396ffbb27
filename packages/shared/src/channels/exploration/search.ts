/** Exhaustive search of a small world: every order of every move, each state visited once. */
export type Space<S> = {
  moves: (state: S) => Iterable<readonly [label: string, next: S]>;
  /** Equal for states from which the same things can happen. */
  keyOf: (state: S) => string;
  /** The broken promise; a state with one is not followed further. */
  faultOf: (state: S) => string | null;
  /** Whether nothing has to follow: any other state without a move is a fault. */
  isEnd: (state: S) => boolean;
};

export type Finding = { fault: string; path: readonly string[] };

export type SearchReport = {
  states: number;
  /** False when `statesMax` or `stopAtFirst` cut the search short. */
  complete: boolean;
  violations: number;
  /** The first few violations with the moves that lead to them: a replay of each. */
  findings: readonly Finding[];
};

export type SearchOptions = {
  statesMax?: number;
  /** Enough to show that a mutant is caught: depth first, because any path will do. */
  stopAtFirst?: boolean;
};

const FINDINGS_MAX = 3;

/** The tree of first visits: a parent and the move from it give back the path to any state. */
class Visits {
  readonly #seen = new Set<string>();
  readonly #parents: number[] = [];
  readonly #labels: string[] = [];

  get size(): number {
    return this.#parents.length;
  }

  /** The number of a state that is new, null for one that was seen. */
  add(key: string, parent: number, label: string): number | null {
    if (this.#seen.has(key)) return null;
    this.#seen.add(key);
    this.#labels.push(label);
    return this.#parents.push(parent) - 1;
  }

  pathTo(index: number): string[] {
    const path: string[] = [];
    for (let at = index; at > 0; at = this.#parents[at] ?? 0) path.push(this.#labels[at] ?? '');
    return path.reverse();
  }
}

/** Searches from `start`: breadth first, so that the paths it reports are the shortest. */
export function search<S>(start: S, space: Space<S>, options: SearchOptions = {}): SearchReport {
  const { statesMax = Number.POSITIVE_INFINITY, stopAtFirst = false } = options;
  const visits = new Visits();
  visits.add(space.keyOf(start), 0, '');
  const findings: Finding[] = [];
  let violations = 0;
  let complete = true;
  let waiting: [index: number, state: S][] = [[0, start]];
  let later: [index: number, state: S][] = [];
  while (waiting.length > 0 || later.length > 0) {
    if (waiting.length === 0) [waiting, later] = [later, waiting];
    const [index, state] = waiting.pop() ?? [0, start];
    const fault = space.faultOf(state) ?? stepFrom(index, state);
    if (fault === null) continue;
    violations++;
    if (findings.length < FINDINGS_MAX) findings.push({ fault, path: visits.pathTo(index) });
    if (stopAtFirst) return { states: visits.size, complete: false, violations, findings };
  }
  return { states: visits.size, complete, violations, findings };

  function stepFrom(index: number, state: S): string | null {
    if (space.isEnd(state)) return null;
    let moved = false;
    for (const [label, next] of space.moves(state)) {
      moved = true;
      if (visits.size >= statesMax) {
        complete = false;
        break;
      }
      const visit = visits.add(space.keyOf(next), index, label);
      if (visit !== null) (stopAtFirst ? waiting : later).push([visit, next]);
    }
    return moved ? null : 'nothing can happen any more';
  }
}
