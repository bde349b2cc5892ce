import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClientOf, networkOf } from '../../src/net/client-address.ts';

/** Node's own implementation of networks, to compare with. */
function isSameNetwork(one: string, other: string): boolean {
  const mapped = new BlockList();
  mapped.addSubnet('::ffff:0:0', 96, 'ipv6');
  const network = new BlockList();
  network.addSubnet(one, mapped.check(one, 'ipv6') ? 128 : 64, 'ipv6');
  return network.check(other, 'ipv6') && mapped.check(one, 'ipv6') === mapped.check(other, 'ipv6');
}

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
    ['2001:DB8:0:1:aaaa::1', '2001:db8:0:1::/64'],
    ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:0db8::0001', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['', ''],
  ])('maps %s to %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is equal for two IPv6 addresses exactly if a BlockList of Node puts both in one network', () => {
    const groups = fc.array(fc.constantFrom('0', '1', 'a', 'ffff'), { minLength: 8, maxLength: 8 });
    const address = fc.oneof(
      fc.ipV6(),
      groups.map((all) => all.join(':')),
    );
    const near = fc.tuple(address, address, fc.boolean()).map(([one, other, isNear]) => {
      return isNear ? [one, one.toUpperCase()] : [one, other];
    });
    fc.assert(
      fc.property(near, ([one = '', other = '']) => {
        expect(networkOf(one) === networkOf(other)).toBe(isSameNetwork(one, other));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('createClientOf', () => {
  it.each<[string, string[], string, string | undefined, string]>([
    ['no proxy is trusted', [], '10.0.0.1', '203.0.113.9', '10.0.0.1'],
    ['the peer is not trusted', ['10.0.0.0/8'], '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['the peer is trusted', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    [
      'the peer is trusted, and its address is mapped to IPv6',
      ['10.0.0.0/8'],
      '::ffff:10.0.0.1',
      '203.0.113.9',
      '203.0.113.9',
    ],
    [
      'the peer is trusted by the name of its network',
      ['uniquelocal'],
      '192.168.1.1',
      '203.0.113.9',
      '203.0.113.9',
    ],
    ['the client sent the header itself', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    [
      'the client claims to be a proxy',
      ['10.0.0.0/8'],
      '10.0.0.1',
      '1.1.1.1,10.9.9.9, 203.0.113.9',
      '203.0.113.9',
    ],
    ['there are two proxies', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['the proxy itself is the client', ['10.0.0.0/8'], '10.0.0.1', undefined, '10.0.0.1'],
    ['the header is empty', ['10.0.0.0/8'], '10.0.0.1', ' , ', '10.0.0.1'],
    ['the proxy passed on no valid address', ['10.0.0.0/8'], '10.0.0.1', 'x'.repeat(4_000), '10.0.0.1'],
    ['the header names proxies only', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the client has IPv6', ['loopback'], '::1', '2001:db8::1', '2001:db8:0:0::/64'],
  ])('finds the client if %s', (_title, trusted, peer, forwardedFor, client) => {
    expect(createClientOf(trusted)(peer, forwardedFor)).toBe(client);
  });

  it('accepts a closed connection, which has no peer address', () => {
    expect(createClientOf([])(undefined, undefined)).toBe('');
    expect(createClientOf(['loopback'])(undefined, '203.0.113.9')).toBe('');
  });
});
