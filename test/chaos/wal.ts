/** SQLite's write-ahead log as bytes (sqlite.org/fileformat2.html section 4.1). */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Where the last commit of a log ends; 0 for an empty log. The file itself may be longer: a log
 * that was folded into its database is written again from its start.
 */
export function endOfCommits(wal: Uint8Array): number {
  if (wal.length < HEADER_BYTES) return 0;
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  const frame = FRAME_HEADER_BYTES + view.getUint32(8);
  let end = HEADER_BYTES;
  for (let at = HEADER_BYTES; at + frame <= wal.length; at += frame) {
    // Frames of an older round carry other salts than the header.
    if (view.getUint32(at + 8) !== view.getUint32(16)) break;
    if (view.getUint32(at + 12) !== view.getUint32(20)) break;
    // The size of the database after a commit; zero in every other frame.
    if (view.getUint32(at + 4) !== 0) end = at + frame;
  }
  return end;
}
