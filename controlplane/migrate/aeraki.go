package migrate

// The specs of Aeraki's resources, as their proto files have them. Numbers are uint32 there,
// durations texts such as 60s.

// metaRouter routes and limits the calls of a service. metaprotocol.aeraki.io/v1alpha1
type metaRouter struct {
	Hosts           []string     `json:"hosts"`
	Gateways        []string     `json:"gateways"`
	Routes          []metaRoute  `json:"routes"`
	LocalRateLimit  *localLimit  `json:"localRateLimit"`
	GlobalRateLimit *globalLimit `json:"globalRateLimit"`
	ExportTo        []string     `json:"exportTo"`
}

type metaRoute struct {
	Name             string            `json:"name"`
	Match            *metaMatch        `json:"match"`
	Route            []metaDestination `json:"route"`
	Mirror           *destination      `json:"mirror"`
	MirrorPercentage *percent          `json:"mirrorPercentage"`
	RequestMutation  []keyValue        `json:"requestMutation"`
	ResponseMutation []keyValue        `json:"responseMutation"`
}

type metaMatch struct {
	Attributes map[string]*stringMatch `json:"attributes"`
}

type stringMatch struct {
	Exact  *string `json:"exact"`
	Prefix *string `json:"prefix"`
	Regex  *string `json:"regex"`
}

type metaDestination struct {
	Destination *destination `json:"destination"`
	Weight      uint32       `json:"weight"`
}

type destination struct {
	Host   string        `json:"host"`
	Subset string        `json:"subset"`
	Port   *portSelector `json:"port"`
}

type portSelector struct {
	Number uint32 `json:"number"`
}

type percent struct {
	Value float64 `json:"value"`
}

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type localLimit struct {
	TokenBucket *tokenBucket     `json:"tokenBucket"`
	Conditions  []limitCondition `json:"conditions"`
}

type limitCondition struct {
	Match       *metaMatch   `json:"match"`
	TokenBucket *tokenBucket `json:"tokenBucket"`
}

type tokenBucket struct {
	MaxTokens     uint32  `json:"maxTokens"`
	TokensPerFill *uint32 `json:"tokensPerFill"`
	FillInterval  string  `json:"fillInterval"`
}

type globalLimit struct {
	Match            *metaMatch        `json:"match"`
	Domain           string            `json:"domain"`
	RequestTimeout   string            `json:"requestTimeout"`
	DenyOnFail       bool              `json:"denyOnFail"`
	RateLimitService string            `json:"rateLimitService"`
	Descriptors      []limitDescriptor `json:"descriptors"`
}

type limitDescriptor struct {
	Property      string `json:"property"`
	DescriptorKey string `json:"descriptorKey"`
}

// applicationProtocol names the codec of a protocol. metaprotocol.aeraki.io/v1alpha1
type applicationProtocol struct {
	Protocol string `json:"protocol"`
	Codec    string `json:"codec"`
}

// dubboAuthorizationPolicy allows or denies calls. dubbo.aeraki.io/v1alpha1
type dubboAuthorizationPolicy struct {
	Rules  []dubboRule `json:"rules"`
	Action string      `json:"action"`
}

type dubboRule struct {
	From []dubboFrom `json:"from"`
	To   []dubboTo   `json:"to"`
}

type dubboFrom struct {
	Source *dubboSource `json:"source"`
}

type dubboSource struct {
	Principals    []string `json:"principals"`
	NotPrincipals []string `json:"notPrincipals"`
	Namespaces    []string `json:"namespaces"`
	NotNamespaces []string `json:"notNamespaces"`
}

type dubboTo struct {
	Operation *dubboOperation `json:"operation"`
}

type dubboOperation struct {
	Interfaces    []string `json:"interfaces"`
	NotInterfaces []string `json:"notInterfaces"`
	Methods       []string `json:"methods"`
	NotMethods    []string `json:"notMethods"`
}

// redisService tells how clients of a Redis are served. redis.aeraki.io/v1alpha1
type redisService struct {
	Host     []string       `json:"host"`
	Settings *redisSettings `json:"settings"`
	Redis    []redisRoute   `json:"redis"`
	Faults   []redisFault   `json:"faults"`
}

type redisSettings struct {
	CaseInsensitive               bool       `json:"caseInsensitive"`
	OpTimeout                     string     `json:"opTimeout"`
	EnableCommandStats            bool       `json:"enableCommandStats"`
	MaxBufferSizeBeforeFlush      uint32     `json:"maxBufferSizeBeforeFlush"`
	BufferFlushTimeout            string     `json:"bufferFlushTimeout"`
	MaxUpstreamUnknownConnections *uint32    `json:"maxUpstreamUnknownConnections"`
	EnableHashtagging             bool       `json:"enableHashtagging"`
	EnableRedirection             bool       `json:"enableRedirection"`
	ReadPolicy                    string     `json:"readPolicy"`
	Auth                          *redisAuth `json:"auth"`
}

type redisAuth struct {
	Secret *redisSecret `json:"secret"`
	Plain  *redisPlain  `json:"plain"`
}

type redisSecret struct {
	Name          string `json:"name"`
	PasswordField string `json:"passwordField"`
	UsernameField string `json:"usernameField"`
}

type redisPlain struct {
	Password string `json:"password"`
	Username string `json:"username"`
}

type redisRoute struct {
	Match  *redisMatch       `json:"match"`
	Route  *redisDestination `json:"route"`
	Mirror []redisMirror     `json:"mirror"`
}

type redisMatch struct {
	Key *redisKey `json:"key"`
}

type redisKey struct {
	Prefix       string `json:"prefix"`
	RemovePrefix bool   `json:"removePrefix"`
}

type redisDestination struct {
	Host string `json:"host"`
	Port uint32 `json:"port"`
}

type redisMirror struct {
	Route               *redisDestination `json:"route"`
	Percentage          *percent          `json:"percentage"`
	ExcludeReadCommands bool              `json:"excludeReadCommands"`
}

type redisFault struct {
	Type       string   `json:"type"`
	Percentage *percent `json:"percentage"`
	Delay      string   `json:"delay"`
	Commands   []string `json:"commands"`
}

// redisUpstream tells how a Redis is spoken to; Aeraki calls it RedisDestination.
// redis.aeraki.io/v1alpha1
type redisUpstream struct {
	Host          string              `json:"host"`
	TrafficPolicy *redisTrafficPolicy `json:"trafficPolicy"`
}

type redisTrafficPolicy struct {
	ConnectionPool *redisPool `json:"connectionPool"`
}

type redisPool struct {
	TCP   map[string]any `json:"tcp"` // Istio's TCPSettings
	Redis *redisMode     `json:"redis"`
}

type redisMode struct {
	Mode               string     `json:"mode"`
	Auth               *redisAuth `json:"auth"`
	DiscoveryEndpoints []string   `json:"discoveryEndpoints"`
}
