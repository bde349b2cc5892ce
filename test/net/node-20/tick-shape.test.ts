import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const file = fileURLToPath(new URL('../../../dist/net/node-20/tick-shape.js', import.meta.url));
const isKnownShape = process.versions.node.startsWith('20.');

/** Asks V8 whether both objects have the same hidden class. */
const question = `
  import { createHook } from 'node:async_hooks';
  import { tick } from ${JSON.stringify(file)};
  let queued;
  createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TickObject') queued ??= resource;
    },
  }).enable();
  process.nextTick(() => {});
  process.stdout.write(String(%HaveSameMap(tick, queued)));
`;

it.runIf(isKnownShape)(
  'the kept object has the hidden class of the objects that process.nextTick makes in Node 20',
  () => {
    const args = ['--allow-natives-syntax', '--input-type=module', '--eval', question];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'true', stderr: '' });
  },
);
