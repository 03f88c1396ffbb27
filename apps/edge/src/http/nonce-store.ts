import { NONCE_MS } from '@zerostate/shared';
import type { Database, Statement } from '../ports.ts';
import type { NonceStore } from './signature.ts';

/** Nonces in rows of the directory, so that every worker remembers them. */
export function rowNonceStore(database: Database): NonceStore {
  return {
    async use(did, nonce, now) {
      const [rows] = await database.batch([
        {
          sql: `INSERT INTO request_nonce(did, nonce, at) VALUES(?1, ?2, ?3)
                ON CONFLICT(did, nonce) DO NOTHING RETURNING 1 AS used`,
          args: [did, nonce, now],
        },
      ]);
      return rows !== undefined && rows.length > 0;
    },
  };
}

/** Forgets nonces whose signatures are too old to be accepted. */
export function forgetNonces(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM request_nonce WHERE (did, nonce) IN
            (SELECT did, nonce FROM request_nonce WHERE at < ?1 ORDER BY at LIMIT ?2)`,
    args: [now - NONCE_MS, rowsMax],
  };
}
