import { sandbox } from 'billfold/testing'

// A model in a process of its own, so that what it does is not measured: says where it is, and answers as it is told to.

const box = await sandbox()
process.on('message', (/** @type {{ says: number, pieceDelayMs?: number }} */ reply) => {
  box.models.clear()
  box.models.reply({ ...reply, times: Number.MAX_SAFE_INTEGER })
  process.send?.('ready')
})
process.once('disconnect', () => process.exit())
process.send?.(box.models.openai)
