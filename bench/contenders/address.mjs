// The address of a contender. The bare servers of Node import nothing else, so they need no packages.
export const port = Number(process.env.PORT);
export const host = '127.0.0.1';
