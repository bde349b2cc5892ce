import { isIP } from 'node:net';
import * as z from 'zod';
import { isHost } from '../net/host.ts';

export const integer = (what: string, min: number, max: number) => {
  const error = `expected ${what}, a whole number from ${min} to ${max}`;
  return z
    .string()
    .trim()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
};

export const port = (what: string) => integer(`the port for ${what} (0 = any free port)`, 0, 65_535);
export const milliseconds = (what: string) => integer(`${what}, in milliseconds`, 0, 3_600_000);

/** A comma-separated list. Empty entries are ignored, such as the one after a comma at the end. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

/** True for a web origin, and for the origin of an app, such as `capacitor://localhost`, for which the URL parser gives `null`. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || text.includes('*')) return false;
  const { origin, protocol, host } = new URL(text);
  return text === (origin === 'null' && host !== '' ? `${protocol}//${host}` : origin);
}

export const corsOrigins = list
  .refine(
    (origins) =>
      origins.length > 0 && (origins.every((origin) => isOrigin(origin)) || String(origins) === '*'),
    {
      error:
        'expected * or a comma-separated list of origins such as https://app.example.com (scheme, host and port only; no path, no closing slash, no * within)',
    },
  )
  .transform((origins): '*' | readonly string[] => (origins[0] === '*' ? '*' : origins));

export const hostNames = list
  .transform((names) => names.map((name) => name.toLowerCase()))
  .refine((names) => names.every((name) => isHost(name) && !name.includes(':') && !name.includes('*')), {
    error: 'expected a comma-separated list of host names such as metrics.example.com (no port, no *)',
  });

const namedNetworks = ['loopback', 'linklocal', 'uniquelocal'];

/** An address, a network in CIDR notation (RFC 4632, section 3.1), or a name for some networks. */
function isNetwork(text: string): boolean {
  const [address = '', prefix = '1', ...rest] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const isPrefix = /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits;
  return namedNetworks.includes(text) || (isPrefix && rest.length === 0);
}

export const trustedProxies = list.refine((networks) => networks.every(isNetwork), {
  error:
    'expected a comma-separated list of addresses and networks such as 192.0.2.7,10.0.0.0/8,2001:db8::/32, ' +
    `or of ${namedNetworks.join(', ')}`,
});

/** An IPv6 address may have brackets, as in a URL. */
export const host = z
  .string()
  .trim()
  .transform((text) => text.replace(/^\[(.*)\]$/, '$1'));

export const onOrOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['on', 'off'], { error: 'expected on or off' }));
