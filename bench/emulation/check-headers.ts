import type { Contender } from '../contenders.ts';
import { startServer } from '../server.ts';

/** Throws if two contenders send different headers with a greeting. Their costs would not be comparable then. */
export async function checkHeaders(one: Contender, other: Contender): Promise<void> {
  const [expected, actual] = [await headersOf(one), await headersOf(other)];
  if (expected === actual) return;
  throw new Error(`${one.name} answers with\n${expected}\n\nbut ${other.name} answers with\n${actual}`);
}

/** The headers as text, one a line. A request id differs each time, so only its length is shown. */
async function headersOf(contender: Contender): Promise<string> {
  const server = await startServer(contender);
  try {
    const { headers } = await fetch(`http://127.0.0.1:${server.port}/greet?name=Alice`);
    const ownWords = [...headers].filter(([name]) => !['date', 'keep-alive'].includes(name));
    return ownWords
      .map(([name, value]) => `${name}: ${name === 'x-request-id' ? value.length : value}`)
      .join('\n');
  } finally {
    await server.stop();
  }
}
