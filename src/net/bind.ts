import * as dns from 'node:dns';
import { promisify } from 'node:util';

// Loading node:dns/promises takes longer than opening a port does.
const lookup = promisify(dns.lookup);

/** The errors of binding an address that this machine does not have, such as ::1 where IPv6 is turned off. */
const addressErrors = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

const anyIpv4 = '0.0.0.0';

/**
 * Binds every address of the host, one after another: `localhost` has one for each IP version. Addresses that this machine lacks are
 * skipped as long as one address is bound. `::` stands for all addresses of both IP versions; without IPv6, 0.0.0.0 is bound instead.
 *
 * @returns the host, or 0.0.0.0 if that was bound in its place.
 * @throws the first error otherwise. The caller closes the addresses that were bound before it.
 */
export async function bindAll(host: string, bind: (address: string) => Promise<void>): Promise<string> {
  const addresses = new Set((await lookup(host, { all: true })).map(({ address }) => address));
  const failures: unknown[] = [];
  for (const address of addresses) {
    try {
      await bind(address);
    } catch (error) {
      if (!addressErrors.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      failures.push(error);
    }
  }
  if (failures.length < addresses.size) return host;
  if (!addresses.has('::')) throw failures[0];
  await bind(anyIpv4);
  return anyIpv4;
}
