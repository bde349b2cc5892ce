import { client } from './generated/client.gen.ts';
import { greet } from './generated/index.ts';

client.setConfig({ baseUrl: process.argv[2] ?? '' });

const plain = await greet({ query: { name: 'Alice' } });
console.log(`a ${typeof plain.data}, typed as Greeting: ${plain.data}`);

client.setConfig({ headers: { Accept: 'application/json' } });
const { data } = await greet({ query: { name: 'Alice' } });
const { error } = await greet({ query: { name: '' } });
console.log(data?.message satisfies string | undefined);
console.log(error?.detail satisfies string | undefined);
