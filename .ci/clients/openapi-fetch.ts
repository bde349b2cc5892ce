import createClient from 'openapi-fetch';
import type { paths } from './generated/schema.d.ts';

const baseUrl = process.argv[2] ?? '';
const query = (name: string) => ({ params: { query: { name } } });

const plain = createClient<paths>({ baseUrl });
await plain.GET('/greet', query('Alice')).then(
  ({ data }) => console.log(data),
  ({ name }) => console.log(name),
);

const client = createClient<paths, 'application/json' | 'application/problem+json'>({
  baseUrl,
  headers: { Accept: 'application/json' },
});
const { data } = await client.GET('/greet', query('Alice'));
const { error } = await client.GET('/greet', query(''));
console.log(data?.message satisfies string | undefined);
console.log(error?.detail satisfies string | undefined);
