/** Every signed body by its type: what `openEnvelope` is given for each. */
import { cardRecordSchema } from './card.ts';
import {
  paychCancelSchema,
  paychClose1Schema,
  paychCloseSchema,
  paychCondSchema,
  paychOpenSchema,
  paychRollSchema,
  paychTopupSchema,
  paychVoucherSchema,
} from './channel.ts';
import { disputeVerdictSchema } from './dispute.ts';
import { linkHelloSchema, linkWelcomeSchema } from './link.ts';
import { railCreditSchema, railDebitSchema, railWithdrawSchema } from './rail.ts';
import {
  taskAcceptSchema,
  taskCancelSchema,
  taskManifestSchema,
  taskObjectionSchema,
  taskReceiptSchema,
} from './task.ts';

export const signedBodies = {
  'card.record': cardRecordSchema,
  'task.manifest': taskManifestSchema,
  'task.accept': taskAcceptSchema,
  'task.cancel': taskCancelSchema,
  'task.receipt': taskReceiptSchema,
  'task.objection': taskObjectionSchema,
  'paych.open': paychOpenSchema,
  'paych.cancel': paychCancelSchema,
  'paych.voucher': paychVoucherSchema,
  'paych.cond': paychCondSchema,
  'paych.topup': paychTopupSchema,
  'paych.close': paychCloseSchema,
  'paych.close1': paychClose1Schema,
  'paych.roll': paychRollSchema,
  'rail.credit': railCreditSchema,
  'rail.withdraw': railWithdrawSchema,
  'rail.debit': railDebitSchema,
  'dispute.verdict': disputeVerdictSchema,
  'link.hello': linkHelloSchema,
  'link.welcome': linkWelcomeSchema,
} as const;
export type SignedType = keyof typeof signedBodies;
