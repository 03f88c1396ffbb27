import { expect, test } from 'vitest';
import { isLanIp } from './policy.ts';

test('a local network is neither the internet, nor this machine, nor a metadata service', () => {
  const lan = ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12::1'];
  const other = ['172.32.0.1', '127.0.0.1', '169.254.169.254', '8.8.8.8', '::1', 'fe80::1'];
  for (const ip of lan) expect(isLanIp(ip), ip).toBe(true);
  for (const ip of [...other, '2600::1', 'lan', '']) expect(isLanIp(ip), ip).toBe(false);
});
