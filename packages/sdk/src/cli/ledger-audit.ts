import { networkId } from '@zerostate/shared';
import type { Command } from 'commander';
import { auditPath, keepSeal, readSeen } from '../adapters/audit-file.ts';
import {
  type AuditFinding,
  type AuditProgress,
  auditLedger,
  type LedgerAudit,
} from '../audit/ledger-audit.ts';
import { CommandFailure, orFail } from './exit.ts';
import { show, type Terminal, table } from './io.ts';
import { commonOptions, publicEdge } from './session.ts';

/** Rows between two lines of progress. */
const PROGRESS_ROWS = 10_000;
/** Findings that people are shown; --json has all. */
const SHOWN = 20;

export function addLedgerAudit(ledger: Command, terminal: Terminal): void {
  ledger
    .command('audit')
    .description('replay the ledger from its genesis, check every seal, lane and claim')
    .addHelpText(
      'after',
      `
Keeps the newest seal in the --state folder (audit-NETWORK.json) and holds the next audit to it: a
journal that was rewritten since is found, whoever signed it again. Ends with 1 when anything is
wrong.

Examples:
  zs ledger audit
  zs ledger audit --edge https://edge.example --state ~/.zerostate --json`,
    )
    .action(async (_flags: unknown, command: Command) => {
      const common = commonOptions(command, terminal);
      const { signal } = terminal;
      const edge = publicEdge(common);
      const { genesis } = orFail(await edge.network({ signal }));
      const path = auditPath(common.state, networkId(genesis));
      const seen = orFail(await readSeen(path));
      const onProgress = sayProgress(terminal);
      const audit = orFail(await auditLedger(edge, { seen, signal, onProgress }));
      const { newest, ...rest } = audit;
      show(terminal, common.json, { ...rest, newest, seen: seen.length }, () =>
        textOf(audit, seen.length),
      );
      if (audit.findings.length > 0) {
        // What is known to be wrong is no base for the next audit: the older seals stay.
        throw new CommandFailure('ledger-wrong', `the audit found ${audit.findings.length} faults`);
      }
      if (newest !== null) await keepSeal(path, audit.network, seen, newest);
    });
}

function sayProgress(terminal: Terminal): (progress: AuditProgress) => void {
  const said = new Map<string, number>();
  return ({ part, done }) => {
    const last = said.get(part) ?? 0;
    if (done === 0 || (said.has(part) && done - last < PROGRESS_ROWS)) return;
    said.set(part, done);
    terminal.err(`audit: ${done} ${part}`);
  };
}

function textOf(audit: LedgerAudit, seen: number): string {
  const { findings, newest, unsealed } = audit;
  const rows = [
    ['network', audit.network],
    ['ledger', audit.ledger],
    ['transfers', `${audit.transfers}, ${unsealed} of them not sealed yet`],
    ['seals', `${audit.seals}, ${seen} kept by earlier audits`],
    ['lanes', `${audit.lanes} of ${audit.channels} channels`],
    ['claims', String(audit.claims)],
    ['head', newest === null ? 'none' : `${newest.head} at ${newest.to_seq}`],
    ['findings', findings.length === 0 ? 'none' : String(findings.length)],
  ];
  return `${table(rows)}${findings.slice(0, SHOWN).map(lineOf).join('')}`;
}

function lineOf({ code, ...where }: AuditFinding): string {
  const parts = Object.entries(where).map(([name, value]) => `${name} ${value}`);
  return `${code}: ${parts.join(', ')}\n`;
}
