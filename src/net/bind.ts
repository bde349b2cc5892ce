import * as dns from 'node:dns';
import { promisify } from 'node:util';

// Not that of node:dns/promises: loading it takes longer than opening a port does.
const lookup = promisify(dns.lookup);

/** What the system says of an address that a name has and the machine has not, such as ::1 where IPv6 is turned off. */
const absent = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/**
 * Binds every address of the host, one after another, as `localhost` has one for each IP version. Addresses that this machine
 * lacks are passed over as long as there is another.
 *
 * @throws the first error otherwise; what had been bound by then is the caller's to close.
 */
export async function bindAll(host: string, bind: (address: string) => Promise<void>): Promise<void> {
  const addresses = new Set((await lookup(host, { all: true })).map(({ address }) => address));
  const failures: unknown[] = [];
  for (const address of addresses) {
    try {
      await bind(address);
    } catch (error) {
      if (!absent.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      failures.push(error);
    }
  }
  if (failures.length === addresses.size) throw failures[0];
}
