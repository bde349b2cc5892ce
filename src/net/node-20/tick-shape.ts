import { AsyncResource } from 'node:async_hooks';

const [asyncId = '', triggerAsyncId = ''] = Object.getOwnPropertySymbols(new AsyncResource('shape'));

/**
 * An object with the same hidden class as the objects that `process.nextTick` queues in Node 20; it lives as long as the process. V8
 * forgets a hidden class when a full garbage collection finds no object of it. The code that makes these objects is slow from then
 * on: 4 us for each greeting. Other versions of Node use another class, and this object changes nothing there.
 */
export const tick = { [asyncId]: 0.5, [triggerAsyncId]: 0.5, callback: () => tick, args: undefined };
