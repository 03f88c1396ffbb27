import type { ModuleShape } from '../decode/sections.ts';
import { PROFILE } from '../limits.ts';
import type { CallGraph } from './call-graph.ts';

/** Which functions count stack depth, and which calls must publish it. */
export interface StackPlan {
  /** By defined function: estimated native frame to count at entry; 0 where it is not counted. */
  readonly counted: Float64Array;
  /** By defined function: whether it, or anything that it can reach, is counted. */
  readonly reaches: Uint8Array;
}

/**
 * A function that is counted, or that can reach one, keeps its own depth in a local and publishes
 * it before each call of such a function. Nothing is done at returns: whoever calls next publishes
 * again.
 *
 * Only functions on a cycle of the call graph can go arbitrarily deep, so only they count. What is
 * left is a directed acyclic graph; its heaviest chain is known now. Where that chain would not fit
 * the reserve (200 000 functions, each calling the next), all functions count.
 */
export function planStack(shape: ModuleShape, graph: CallGraph): StackPlan {
  const components = stronglyConnected(graph.edges);
  const defined = shape.bodies.length;
  const chain = new Float64Array(graph.edges.length);
  const counted = new Float64Array(defined);
  const reaches = new Uint8Array(graph.edges.length);
  let heaviest = 0;
  // Components come in reverse topological order: what a component calls is already known.
  for (const component of components) {
    const recursive = isRecursive(component, graph.edges);
    let below = 0;
    let reachesCounted = recursive ? 1 : 0;
    for (const node of component) {
      for (const callee of graph.edges[node] ?? []) {
        below = Math.max(below, chain[callee] ?? 0);
        reachesCounted |= reaches[callee] ?? 0;
      }
    }
    for (const node of component) {
      const frame = graph.frameBytes[node] ?? 0;
      if (recursive && node < defined) counted[node] = frame;
      chain[node] = recursive ? below : below + frame;
      reaches[node] = reachesCounted;
      heaviest = Math.max(heaviest, chain[node] ?? 0);
    }
  }
  if (heaviest > PROFILE.uncountedBytesMax) return countAll(graph, defined);
  return { counted, reaches };
}

function countAll(graph: CallGraph, defined: number): StackPlan {
  return {
    counted: graph.frameBytes.slice(0, defined),
    reaches: new Uint8Array(graph.edges.length).fill(1),
  };
}

function isRecursive(component: readonly number[], edges: readonly number[][]): boolean {
  const [only] = component;
  if (component.length > 1 || only === undefined) return true;
  return (edges[only] ?? []).includes(only);
}

/**
 * Tarjan, "Depth-first search and linear graph algorithms" (1972), without recursion of its own:
 * a hostile call graph is as deep as it has functions.
 */
function stronglyConnected(edges: readonly number[][]): number[][] {
  const components: number[][] = [];
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const onStack = new Uint8Array(edges.length);
  const stack: number[] = [];
  let next = 0;

  const open = (node: number): { node: number; edge: number } => {
    order[node] = low[node] = next++;
    onStack[node] = 1;
    stack.push(node);
    return { node, edge: 0 };
  };
  const lower = (node: number, value: number): void => {
    low[node] = Math.min(low[node] ?? 0, value);
  };

  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== -1) continue;
    const path = [open(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node } = top;
      const callee = edges[node]?.[top.edge++];
      if (callee === undefined) {
        path.pop();
        const caller = path.at(-1);
        if (caller !== undefined) lower(caller.node, low[node] ?? 0);
        if (low[node] === order[node]) components.push(close(node));
      } else if (order[callee] === -1) path.push(open(callee));
      else if (onStack[callee] === 1) lower(node, order[callee] ?? 0);
    }
  }
  return components;

  function close(root: number): number[] {
    const component: number[] = [];
    for (;;) {
      const node = stack.pop();
      if (node === undefined) return component;
      onStack[node] = 0;
      component.push(node);
      if (node === root) return component;
    }
  }
}
