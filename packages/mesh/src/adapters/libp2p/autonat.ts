import { type AutoNATComponents, autoNAT } from '@libp2p/autonat';

/**
 * libp2p's autonat, dialling back over a connection of its own. As it is (js-libp2p 3.3, autonat
 * 3.0), the peer that is asked "can you dial me?" finds the connection over which it was asked,
 * takes it for the one it made, sees that the address differs, and closes it: every node with a
 * public address would lose each connection that it makes.
 */
export function dialBack(): (components: AutoNATComponents) => unknown {
  const make = autoNAT({ protocolPrefix: 'libp2p' });
  return (components) => {
    const { connectionManager } = components;
    const openConnection: typeof connectionManager.openConnection = (target, options) =>
      // Several addresses are its search for peers, which may well be connected already.
      connectionManager.openConnection(target, { ...options, force: !Array.isArray(target) });
    const forced = new Proxy(connectionManager, {
      get(manager, key) {
        if (key === 'openConnection') return openConnection;
        const value: unknown = Reflect.get(manager, key);
        return typeof value === 'function' ? value.bind(manager) : value;
      },
    });
    return make(
      new Proxy(components, {
        get: (all, key) => (key === 'connectionManager' ? forced : Reflect.get(all, key)),
      }),
    );
  };
}
