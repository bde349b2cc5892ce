import createClient from 'openapi-fetch';
import type { paths } from './generated/schema.d.ts';

const client = createClient<paths, 'application/json' | 'application/problem+json'>({
  baseUrl: process.argv[2] ?? '',
  headers: { Accept: 'application/json' },
});

const { data } = await client.GET('/greet', { params: { query: { name: 'Alice' } } });
const { error } = await client.GET('/greet', { params: { query: { name: '' } } });
console.log(data?.message satisfies string | undefined);
console.log(error?.detail satisfies string | undefined);
