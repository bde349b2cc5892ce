import { writeFileSync } from 'node:fs';
import { namePattern, nameSchema } from '../../src/greeting/name.ts';
import { cases } from '../../test/cases.ts';

// Writes the input of the programs in this folder, and what each must print: what the service itself decides on each text.
const [, , inputFile = '', outputFile = ''] = process.argv;

const texts = cases.map(({ name }) => name);
for (let point = 0; point <= 0x10ffff; point += point < 0x10000 ? 1 : 0xff) {
  const character = String.fromCodePoint(point);
  // A text of UTF-8 holds no lone surrogate.
  if (character.isWellFormed()) texts.push(character, `${character}a`, `a${character}`, `a${character}b`);
}
for (const character of ['a', 'é', '世', '😀', 'e\u0301'])
  for (const count of [49, 50, 51, 99, 100, 101])
    texts.push(character.repeat(count), `\u3000\n${character.repeat(count)}\t `);

const lines = (values: readonly unknown[]) => values.map((value) => `${value}\n`).join('');
const hex = (text: string) => Buffer.from(text).toString('hex');
writeFileSync(inputFile, lines([namePattern, ...texts].map(hex)));
writeFileSync(outputFile, lines(texts.map((text) => nameSchema.safeParse(text).success)));
