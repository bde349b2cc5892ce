// Where a contender listens. The floors import nothing else: they need no packages.
export const port = Number(process.env.PORT);
export const host = '127.0.0.1';
