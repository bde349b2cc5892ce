import { type Faults, faultPlanSchema } from '../../resilience/faults.ts';
import type { App } from '../instance.ts';

/** `/faults`: reads, sets and ends the injected faults, for both transports. */
export async function faultRoutes(app: App, { faults }: { readonly faults: Faults }): Promise<void> {
  app.get('/faults', () => faults.plan);

  app.put('/faults', { schema: { body: faultPlanSchema } }, (request) => {
    faults.plan = request.body;
    request.log.warn(faults.plan, 'faults are injected from now on');
    return faults.plan;
  });

  app.delete('/faults', (request) => {
    faults.clear();
    request.log.warn(faults.plan, 'no more faults are injected');
    return faults.plan;
  });
}
