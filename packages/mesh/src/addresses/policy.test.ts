import { describe, expect, test } from 'vitest';
import { isPublicHost, isPublicIp } from './policy.ts';

describe('an address that a stranger names is dialled only if it is public', () => {
  test.each([
    ['loopback', ['127.0.0.1', '127.255.1.2', '::1']],
    ['private', ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc00::1']],
    ['link-local and metadata', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0']],
    ['shared, test and reserved', ['100.64.0.1', '192.0.2.1', '198.18.0.1', '240.0.0.1']],
    ['multicast, broadcast and none', ['224.0.0.1', '255.255.255.255', '0.0.0.0', '::']],
    [
      'IPv4 inside IPv6',
      ['::ffff:8.8.8.8', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::'],
    ],
    ['nonsense', ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', 'x', '1::2::3', ':::']],
  ])('not %s', (_, addresses) => {
    for (const address of addresses)
      expect([address, isPublicIp(address)]).toEqual([address, false]);
  });

  test('public ones are', () => {
    for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '64:ff9b::808:808']) {
      expect([address, isPublicIp(address)]).toEqual([address, true]);
    }
  });

  test('a name is as public as the worst of its addresses', async () => {
    const answers: Record<string, string[]> = {
      'good.example': ['8.8.8.8', '2606:4700::1111'],
      'rebound.example': ['8.8.8.8', '127.0.0.1'],
      'metadata.example': ['169.254.169.254'],
      'gone.example': [],
    };
    const resolve = async (name: string) => answers[name] ?? [];
    expect(await isPublicHost('good.example', resolve)).toBe(true);
    expect(await isPublicHost('8.8.8.8', resolve)).toBe(true);
    for (const name of ['rebound.example', 'metadata.example', 'gone.example', 'nobody.example']) {
      expect([name, await isPublicHost(name, resolve)]).toEqual([name, false]);
    }
    expect(await isPublicHost('db.internal', async () => ['8.8.8.8'])).toBe(false);
    expect(await isPublicHost('localhost', async () => ['8.8.8.8'])).toBe(false);
  });
});
