import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { host, port } from './address.mjs';

const app = new Hono().get('/greet', (context) => context.text(`Hello, ${context.req.query('name')}`));
serve({ fetch: app.fetch, port, hostname: host });
