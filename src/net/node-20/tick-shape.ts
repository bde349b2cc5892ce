import { AsyncResource } from 'node:async_hooks';

const [asyncId = '', triggerAsyncId = ''] = Object.getOwnPropertySymbols(new AsyncResource('shape'));

/**
 * An object of the shape that `process.nextTick` gives to what it queues, for as long as the process lives: its ids are floating
 * point numbers. V8 forgets a shape when a full garbage collection finds no object of it, as it may between two requests, and
 * the literal that makes them in Node 20 is slow from then on: it costs a greeting 4 us, a fifth of what it takes. Where Node
 * gives them another shape, this object is of no use and does no harm.
 */
export const tick = { [asyncId]: 0.5, [triggerAsyncId]: 0.5, callback: () => tick, args: undefined };
