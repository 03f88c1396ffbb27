import { err, ok, type Result } from '@zerostate/shared';
import { sql } from './database.ts';
import type { OpenState } from './open.ts';
import { readNode } from './store.ts';

export type Role = 'executor' | 'arbiter';

/**
 * Makes the node what it is started as, for good. A second role on one key would judge its own
 * claims, and would turn away the messages of the first.
 */
export async function takeRole(
  { database, folder }: Pick<OpenState, 'database' | 'folder'>,
  role: Role,
): Promise<Result<void, 'role-wrong'>> {
  const known = await readRole(database);
  if (known === role) return ok(undefined);
  if (known !== null) {
    return err('role-wrong', `${folder} is an ${known}: give the ${role} a --state of its own`);
  }
  await database.write([sql(`UPDATE node SET role = ? WHERE role = ''`, role)]);
  return ok(undefined);
}

/** null before the first start. */
export async function readRole(database: OpenState['database']): Promise<Role | null> {
  const role = (await readNode(database))?.role ?? '';
  return role === '' ? null : role;
}
