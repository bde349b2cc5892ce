import { Configuration, GreetingApi, type Problem, ResponseError } from './generated/index.ts';

const basePath = process.argv[2] ?? '';

const plain = new GreetingApi(new Configuration({ basePath }));
await plain.greet({ name: 'Alice' }).then(
  ({ message }) => console.log(message),
  ({ name }) => console.log(name),
);

const api = new GreetingApi(new Configuration({ basePath, headers: { Accept: 'application/json' } }));
const greeting = await api.greet({ name: 'Alice' });
console.log(greeting.message satisfies string);
try {
  await api.greet({ name: '' });
} catch (error) {
  if (!(error instanceof ResponseError)) throw error;
  const problem: Problem = await error.response.json();
  console.log(problem.detail);
}
