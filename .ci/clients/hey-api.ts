import { client } from './generated/client.gen.ts';
import { greet } from './generated/index.ts';

client.setConfig({ baseUrl: process.argv[2] ?? '', headers: { Accept: 'application/json' } });

const { data } = await greet({ query: { name: 'Alice' } });
const { error } = await greet({ query: { name: '' } });
console.log((data as Exclude<typeof data, string>)?.message satisfies string | undefined);
console.log(error?.detail satisfies string | undefined);
