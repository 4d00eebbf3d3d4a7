export const VERSION = '0.1.0'; // package.json's
