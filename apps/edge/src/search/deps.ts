import type { Embedder } from '@zerostate/discovery';
import type { Clock } from '../ports.ts';
import type { CardFeed } from './card-feed.ts';

export type SearchDeps = { feed: CardFeed; clock: Clock; embedder: Embedder };
