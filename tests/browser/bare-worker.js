// The worker without the page: for openPage's `init`, runs in the browser and lends tests openWorker().
export function bareWorker() {
  globalThis.openWorker = () => {
    const worker = new Worker('worker/worker.js', { type: 'module' });
    const messages = []; // all that came back
    worker.onmessage = ({ data }) => messages.push(data);
    worker.onerror = ({ message }) => messages.push({ type: 'crash', message });
    const until = async (found) => {
      while (!messages.some(found)) await new Promise((resolve) => setTimeout(resolve, 2));
      return messages.find(found);
    };
    const say = (message) => worker.postMessage(message);
    const ask = (id, type, fields) => {
      say({ ...fields, id, type });
      return until((message) => message.id === id && ['answer', 'error'].includes(message.type));
    };
    return { messages, until, say, ask, terminate: () => worker.terminate() };
  };
}
