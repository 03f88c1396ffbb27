/** @zerostate/shared: the protocol. Pure: no I/O, no clock, no randomness. */
export * from './api/accounts.ts';
export * from './api/cards.ts';
export * from './api/channels.ts';
export * from './api/network.ts';
export * from './api/problem.ts';
export * from './api/search.ts';
export * from './api/tasks.ts';
export * from './limits.ts';
export * from './messages/card.ts';
export * from './messages/catalogue.ts';
export * from './messages/channel.ts';
export * from './messages/dispute.ts';
export * from './messages/fields.ts';
export * from './messages/link.ts';
export * from './messages/signed.ts';
export * from './messages/task.ts';
