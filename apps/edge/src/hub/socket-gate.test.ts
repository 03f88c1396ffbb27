import {
  SOCKETS_UNAUTHENTICATED_MAX,
  SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX,
  SOCKETS_WAITING_MAX,
  SOCKETS_WAITING_MS_MAX,
} from '@zerostate/shared';
import { expect, test } from 'vitest';
import { createSocketGate, type LeavePlace } from './socket-gate.ts';

/** Timers that the test lets run out. */
function heldTimers() {
  const due = new Set<{ ms: number; run: () => void }>();
  return {
    due,
    after(ms: number, run: () => void) {
      const timer = { ms, run };
      due.add(timer);
      return () => void due.delete(timer);
    },
    runOut() {
      for (const { run } of [...due]) run();
    },
  };
}

function fullGate() {
  const timers = heldTimers();
  const gate = createSocketGate(timers);
  const leaves: LeavePlace[] = [];
  for (let i = 0; i < SOCKETS_UNAUTHENTICATED_MAX; i++) {
    const leave = gate.enter(`inside ${i}`);
    if (leave !== null) leaves.push(leave);
  }
  expect(leaves).toHaveLength(SOCKETS_UNAUTHENTICATED_MAX);
  const answers: string[] = [];
  const wait = (address: string) =>
    gate.wait(address, (leave) => {
      answers.push(`${address}: ${leave === null ? 'no' : 'yes'}`);
      if (leave !== null) leaves.push(leave);
    });
  return { gate, timers, leaves, answers, wait };
}

test('whoever waits gets the next free places in order of arrival, and nobody two', () => {
  const { leaves, answers, wait, timers } = fullGate();
  for (const address of ['a', 'b', 'c']) wait(address);
  expect(answers).toEqual([]);
  leaves[0]?.();
  leaves[0]?.();
  leaves[1]?.();
  expect(answers).toEqual(['a: yes', 'b: yes']);
  expect([...timers.due].map(({ ms }) => ms)).toEqual([SOCKETS_WAITING_MS_MAX]);
  timers.runOut();
  leaves[2]?.();
  expect(answers).toEqual(['a: yes', 'b: yes', 'c: no']);
});

test('whoever gives up is passed over, and leaves no trace', () => {
  const { leaves, answers, wait, timers } = fullGate();
  const giveUp = wait('a');
  wait('b');
  giveUp();
  giveUp();
  expect(timers.due.size).toBe(1);
  leaves[0]?.();
  expect(answers).toEqual(['b: yes']);
  for (let i = 0; i < SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX; i++) wait('a');
  expect(answers).toEqual(['b: yes']);
});

test('one address has its share of places and of the line together', () => {
  const { gate, leaves, answers, wait } = fullGate();
  leaves[0]?.();
  expect(gate.enter('a')).not.toBeNull();
  for (let i = 1; i < SOCKETS_UNAUTHENTICATED_PER_ADDRESS_MAX; i++) wait('a');
  expect(answers).toEqual([]);
  wait('a');
  expect(answers).toEqual(['a: no']);
  expect(gate.enter('a')).toBeNull();
});

test('the line has an end', () => {
  const { answers, wait } = fullGate();
  for (let i = 0; i < SOCKETS_WAITING_MAX; i++) wait(`waiting ${i}`);
  expect(answers).toEqual([]);
  wait('one more');
  expect(answers).toEqual(['one more: no']);
});

test('without timers nobody waits', () => {
  const gate = createSocketGate();
  const answers: boolean[] = [];
  for (let i = 0; i <= SOCKETS_UNAUTHENTICATED_MAX; i++) {
    gate.wait(`${i}`, (leave) => answers.push(leave !== null));
  }
  expect(answers.filter((isIn) => !isIn)).toHaveLength(1);
  expect(answers.at(-1)).toBe(false);
});
