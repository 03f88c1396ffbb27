/** Why a wallet does not sign: every code, with what it means. */
export const walletCodes = {
  'wallet-of-another-identity': 'this state belongs to another key',
  'wallet-of-another-network': 'this state belongs to another ledger',
  'channel-unknown': 'this wallet has no such channel',
  'channel-exists': 'the channel was proposed before',
  'channel-missing': 'no open channel to this executor',
  'channel-not-active': 'the channel is not open',
  'channel-expiring': 'the channel expires within its window',
  'channel-closing': 'a cooperative close is signed: nothing more is signed here',
  'wall-exceeds-window': 'the task could outlive the window of the channel',
  'no-free-lane': 'every lane carries a task',
  'fund-exceeded': 'paid totals and open conditions would exceed the fund',
  'budget-task-exceeded': 'price_max is over the budget of a task',
  'budget-day-exceeded': 'the tasks of this day would exceed its budget',
  'amount-invalid': 'not a positive number of micro-units in range',
  'terms-invalid': 'the proposal is not between two parties',
  'conds-open': 'a task of this channel may still become due',
  'task-unknown': 'this wallet signed no such task',
  'task-settled': 'the task is paid, claimed or lapsed',
  'task-objected': 'the receipt of this task was objected to',
  'task-live': 'the condition can still be claimed',
  'receipt-second': 'another receipt of this task was paid: the executor signed two',
  'terms-wrong': 'the receipt is not what was ordered; detail names the field',
  'price-wrong': 'the price is not what the terms come to',
  'cond-unknown': 'the lane carries no condition for this task',
  'price-above-cap': 'the price is over what the condition promised',
  'nothing-due': 'the lane has paid this total already',
  'claim-filed': 'the executor has claimed: the claim pays',
} as const;

export type WalletCode = keyof typeof walletCodes;
export type WalletRefusal = { ok: false; code: WalletCode; detail?: string };
export type WalletResult<T> = { ok: true; value: T } | WalletRefusal;

export function refuse(code: WalletCode, detail?: string): WalletRefusal {
  return detail === undefined ? { ok: false, code } : { ok: false, code, detail };
}
