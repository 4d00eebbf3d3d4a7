// The development server, for tests and tools.
export { serve } from '../web/cli/server.js';
