import { describe, expect, it } from 'vitest';
import { bindAll } from '../../src/net/bind.ts';

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

describe('bindAll', () => {
  it('binds every address of the host, one after another', async () => {
    const bound: string[] = [];
    await bindAll('127.0.0.1', async (address) => {
      bound.push(address);
    });
    expect(bound).toEqual(['127.0.0.1']);
  });

  it('skips an address that the machine does not have, if there is another one', async () => {
    const tried: string[] = [];
    const bindIpv4 = (address: string) => {
      tried.push(address);
      return address.includes(':') ? failing('EADDRNOTAVAIL') : Promise.resolve();
    };
    await bindAll('localhost', bindIpv4);
    expect(tried).toContain('127.0.0.1');
    await expect(bindAll('::1', bindIpv4)).rejects.toThrow('EADDRNOTAVAIL');
  });

  it('throws any other error', async () => {
    const tried: string[] = [];
    const bindSecond = (address: string) => {
      tried.push(address);
      return tried.length === 1 ? failing('EADDRINUSE') : Promise.resolve();
    };
    await expect(bindAll('localhost', bindSecond)).rejects.toThrow('EADDRINUSE');
    expect(tried).toHaveLength(1);
  });

  it('binds 0.0.0.0 in place of :: on a machine without IPv6, and nothing in place of other addresses', async () => {
    const bound: string[] = [];
    const bindIpv4 = async (address: string) => {
      if (address.includes(':')) await failing('EAFNOSUPPORT');
      bound.push(address);
    };
    expect(await bindAll('::', bindIpv4)).toBe('0.0.0.0');
    expect(bound).toEqual(['0.0.0.0']);
    await expect(bindAll('2001:db8::1', bindIpv4)).rejects.toThrow('EAFNOSUPPORT');
    expect(bound).toEqual(['0.0.0.0']);
  });

  it('binds :: alone where there is IPv6: its sockets take IPv4 too', async () => {
    const bound: string[] = [];
    const bind = async (address: string) => void bound.push(address);
    expect(await bindAll('::', bind)).toBe('::');
    expect(bound).toEqual(['::']);
  });
});
