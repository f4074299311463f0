package conn

const parkClientEnv = "CITRON_PARK_CLIENT"

func parkClient() {}
