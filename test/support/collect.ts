import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** A full garbage collection of this process, done when it returns. */
export const collect = runInNewContext('gc') as () => void;
