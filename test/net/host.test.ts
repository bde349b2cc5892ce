import { describe, expect, it } from 'vitest';
import { hostNameOf, isHost, isLoopback } from '../../src/net/host.ts';

describe('isHost', () => {
  it.each([
    '',
    'a',
    'a:80',
    'a:',
    'A.example.',
    '1.2.3.4:8080',
    '[::1]',
    '[2001:db8::1]:443',
    '[v1.a:b]',
    '%41b',
    'a_b',
    'xn--a',
    "!$&'()*+,;=",
  ])('accepts %j', (value) => expect(isHost(value)).toBe(true));

  it.each([
    ':',
    ':80',
    '[',
    '[]',
    '[::1',
    '::1',
    '[::1]x',
    '[::1%lo]',
    '[1.2.3.4]',
    'a:80x',
    'a:b:c',
    'a:65536',
    'a b',
    'a, b',
    '%zz',
    '%4',
    'a@b',
    'a/b',
    'a?b',
    'a#b',
    'ä',
    'a\\b',
    '[v.a]',
  ])('refuses %j', (value) => expect(isHost(value)).toBe(false));
});

describe('isLoopback', () => {
  it.each([
    'localhost',
    'LOCALHOST:9464',
    'greet.localhost',
    'localhost.',
    '127.0.0.1:80',
    '127.8.9.1',
    '[::1]:80',
    '[0:0:0:0:0:0:0:1]',
  ])('is true for %s', (value) => expect(isLoopback(hostNameOf(value))).toBe(true));

  it.each([
    'localhost.example.com',
    'notlocalhost',
    '127.0.0.1.example.com',
    '128.0.0.1',
    '[::2]',
    '[::1:1]',
    'example.com',
    '',
  ])('is false for %s', (value) => expect(isLoopback(hostNameOf(value))).toBe(false));
});
