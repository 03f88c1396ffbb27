/** @zerostate/sdk: find an agent, pay it, prove what it did. Runs in a browser. */
export { createSigner, type Signer } from '@zerostate/shared';
export { systemClock, systemRng, systemTimers } from './adapters/system.ts';
export {
  type AuditFinding,
  type AuditOptions,
  type AuditProgress,
  auditLedger,
  type LedgerAudit,
} from './audit/ledger-audit.ts';
export { type AgentRef, parseAgent } from './client/candidates.ts';
export type { ChannelTermsAsked, CloseOptions } from './client/channels.ts';
export { type Client, type ClientOptions, type ConnectOptions, connect } from './client/connect.ts';
export type { Failure } from './client/context.ts';
export type { LimitsAsked } from './client/plan.ts';
export type { OnProgress, ProgressEvent, Step, Timings } from './client/progress.ts';
export type { Recovered } from './client/recover.ts';
export type { RunFailure, RunOptions, RunResult, RunValue, Tried } from './client/run-model.ts';
export { createMemoryOrders, type SentOrders } from './client/sent-orders.ts';
export * from './edge-client.ts';
export type { ClientCode, EdgeFailure, EdgeResult } from './http/outcome.ts';
export type { Cancel, Clock, Fetch, Rng, Timers } from './ports.ts';
export {
  decodeBundle,
  encodeBundle,
  type ReceiptBundle,
  type UncheckedBundle,
} from './receipts/bundle.ts';
export {
  type ReceiptVerdict,
  type VerifyReceiptOptions,
  verifyReceipt,
} from './receipts/verify-receipt.ts';
export { formatUnits, parseUnits } from './units.ts';
export { createMemoryModules, type ModuleStore } from './verify/modules.ts';
export type { VerifyMode } from './verify/policy.ts';
export { createInProcessRerun, type Rerun } from './verify/rerun.ts';
export { createMemoryStore } from './wallet/memory-store.ts';
export type {
  WalletChange,
  WalletChannel,
  WalletState,
  WalletTask,
  WalletTaskState,
} from './wallet/model.ts';
export { type WalletCode, walletCodes } from './wallet/refusal.ts';
export type { WalletOwner, WalletStore } from './wallet/store.ts';
export {
  createWallet,
  type SpendingLimits,
  type Wallet,
  type WalletOptions,
} from './wallet/wallet.ts';
