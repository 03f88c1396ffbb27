import {
  type EdgeFrame,
  type ExecutorFrame,
  err,
  executorFrameSchema,
  FRAME_BYTES_MAX,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';

export type FrameCode = 'frame-too-large' | 'frame-invalid' | 'frame-binary';

/** An agent card inside a message inside a frame. */
const FRAME_DEPTH_MAX = 24;

/** Reads one frame of an executor. Its size is checked before anything in it. */
export function readFrame(data: unknown): Result<ExecutorFrame, FrameCode> {
  if (typeof data !== 'string') return err('frame-binary', 'frames are text');
  if (isTooLarge(data)) return err('frame-too-large', `at most ${FRAME_BYTES_MAX} bytes`);
  const value = parseJson(data, FRAME_DEPTH_MAX);
  if (!value.ok) return err('frame-invalid', value.code);
  const frame = executorFrameSchema.safeParse(value.value);
  if (frame.success) return ok(frame.data);
  return err('frame-invalid', frame.error.issues[0]?.path.map(String).join('.') ?? '$');
}

/** A text has at least as many bytes as units, and at most three for each. */
function isTooLarge(text: string): boolean {
  if (text.length > FRAME_BYTES_MAX) return true;
  return text.length * 3 > FRAME_BYTES_MAX && utf8(text).length > FRAME_BYTES_MAX;
}

export function writeFrame(frame: EdgeFrame): string {
  return JSON.stringify(frame);
}

/** WebSocket close codes (RFC 6455 section 7.4.1). */
export const CLOSE = {
  goingAway: 1001,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
  tryAgain: 1013,
} as const;
