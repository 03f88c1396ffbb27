/** The whole agent: a call without arguments answers 42. */
export function hello(): i32 {
  return 42;
}
